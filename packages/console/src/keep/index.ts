export { checkpointStorage } from './checkpoint-storage.ts'
export {
  conversations,
  type KeptConversation,
  type KeptMessage,
  mergeConversations,
} from './conversations.ts'
export { KeepError, open, type Table } from './database.ts'
export { keepReceipt, type KeptReceipt, receipts } from './receipts.ts'
export { onOtherTab, tellOtherTabs } from './tabs.ts'
