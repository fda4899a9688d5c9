export { checkpointStorage } from './checkpoint-storage.ts'
export {
  conversations,
  type KeptConversation,
  type KeptMessage,
  mergeConversations,
} from './conversations.ts'
export { open, type Table, whyUnkept } from './database.ts'
export { keepReceipt, type KeptReceipt, MAX_RECEIPTS, receipts } from './receipts.ts'
export { type TabValue, tabValue } from './tab-value.ts'
export { onOtherTab, tellOtherTabs } from './tabs.ts'
