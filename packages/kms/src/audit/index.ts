export { MAX_BOOTING, type OwnHistory, scanOwnHistory } from './scan.ts'
