export { createVerifiedFetch, type VerifiedFetch, type VerifiedFetchOptions } from './verified-fetch.ts'
