export {
  fakeAzureEvidence,
  fakeBoundData,
  type FakeHclOptions,
  fakeHclReport,
  fakeRuntimeData,
} from './azure.ts'
export { type FakeAkOptions, type FakeVtpmAuthority, fakeVtpmAuthority } from './certificate.ts'
export { type FakeRsaKey, fakeRsaKey } from './rsa.ts'
export { type FakeQuote, type FakeQuoteOptions, fakeSelection, type FakeVtpm, fakeVtpm } from './vtpm.ts'
