export { type Address, parseAddress } from './address.ts'
export { tokenCounter } from './count-tokens.ts'
export { proxyUsersCommands } from './users.ts'
