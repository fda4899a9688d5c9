export { decide, type DecisionOptions, succeed, type SuccessionStep } from './world/governance.ts'
export { createFakeLog, envelopeBytes, fakeNoteSigner, type FakeLog } from './world/log.ts'
export { createWorld, fakeKeyConfig, fakeSigner, type World, type WorldOptions } from './world/world.ts'
export { createReceipt, type MintedReceipt, type ReceiptOptions } from './world/receipt.ts'
