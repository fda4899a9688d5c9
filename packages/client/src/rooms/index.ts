export { type Acting, type Contracts, type ContractsOptions, createContracts } from './contracts.ts'
export { type RoomParty, roomParty } from './party.ts'
export { callSender } from './send.ts'
