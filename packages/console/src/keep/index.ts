export { checkpointStorage } from './checkpoint-storage.ts'
export { KeepError, open, type Table } from './database.ts'
export { keepReceipt, type KeptReceipt, receipts } from './receipts.ts'
export { onOtherTab } from './tabs.ts'
