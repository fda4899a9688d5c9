export { type AdmittedSuccessor, admitSuccessor } from './admit.ts'
export { giveHandover } from './give.ts'
export { takeFrom, type TakeoverTools } from './take.ts'
export { dropExpired, requireStoreOf, takeOver, type TakeoverPatience } from './take-over.ts'
