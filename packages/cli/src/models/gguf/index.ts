export { type GgufHeader, GgufTruncated, parseGgufHeader } from './header.ts'
export { readGgufHeader } from './read-header.ts'
