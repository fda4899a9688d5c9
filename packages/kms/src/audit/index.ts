export { type OwnHistory, scanOwnHistory } from './scan.ts'
