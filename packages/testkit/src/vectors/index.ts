export { TLOG_FOLDER, tlogCases } from './tlog.ts'
