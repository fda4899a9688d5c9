export { parseReleaseFile } from './release-file.ts'
export { type SourceFlags, verifySource } from './verify-source.ts'
export { verifyApp } from './verify-app.ts'
