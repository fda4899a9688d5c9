export { findLogged } from './find.ts'
export { type LoggedPolicy, type LoggedResult, verifyLogged } from './verify.ts'
