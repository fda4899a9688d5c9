export { createVerifiedFetch, type VerifiedFetchOptions } from './verified-fetch.ts'
