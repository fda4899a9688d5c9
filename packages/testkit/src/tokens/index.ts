export { fakeConfidentialSpace, type FakeConfidentialSpace, type FakeSpaceTokenOptions } from './gcp.ts'
export {
  FAKE_RUNTIME_DATA,
  fakeEnclaveEvidence,
  fakeMaa,
  type FakeMaa,
  type FakeMaaTokenOptions,
  SNP_CLAIMS,
} from './maa.ts'
export { fakeRsaKey, type FakeRsaKey, rsaCertificate, type RsaCertificateOptions, signJws } from './rsa.ts'
