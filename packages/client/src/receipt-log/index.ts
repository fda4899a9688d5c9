export { findLogged } from './find.ts'
export { type LoggedResult, verifyLogged } from './verify.ts'
