export { CUSTODY_FLAGS, decide, openCustodyDesk, type CustodyDesk, type Decided } from './decide.ts'
export { createCustodian, keepShareSet, type OpenedCustodian, readCustodian } from './key-file.ts'
export { readCustodyLog, type ReadLog } from './read-log.ts'
