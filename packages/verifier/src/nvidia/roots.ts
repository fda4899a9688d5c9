import { fromBase64 } from '@sotto/protocol/bytes'
import { type Certificate, parseCertificate } from '@sotto/protocol/x509'

/**
 * NVIDIA Device Identity CA, which every GPU and NVSwitch with an identity leads to, valid to the end of 9999; from
 * https://github.com/NVIDIA/nvtrust (local_gpu_verifier `src/verifier/certs/verifier_device_root.pem`);
 * SHA-256 102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48.
 */
const DEVICE_IDENTITY_CA =
  'MIICCzCCAZCgAwIBAgIQLTZwscoQBBHB/sDoKgZbVDAKBggqhkjOPQQDAzA1MSIwIAYDVQQDDBlOVklESUEgRGV2aWNlIElk' +
  'ZW50aXR5IENBMQ8wDQYDVQQKDAZOVklESUEwIBcNMjExMTA1MDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMDUxIjAgBgNVBAMM' +
  'GU5WSURJQSBEZXZpY2UgSWRlbnRpdHkgQ0ExDzANBgNVBAoMBk5WSURJQTB2MBAGByqGSM49AgEGBSuBBAAiA2IABA5MFKM7' +
  '+KViZljbQSlgfky/RRnEQScW9NDZF8SXgAW96r6u/Ve8ZggtcYpPi2BS4VFu6KfEIrhN6FcHG7WP05W+oM+hxj7nyA1r1jkB' +
  '2Ry70YfThX3Ba1zOryOP+MJ9vaNjMGEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFFeF/4Py' +
  'Y8xlfWi3Olv0jUrL+0lfMB8GA1UdIwQYMBaAFFeF/4PyY8xlfWi3Olv0jUrL+0lfMAoGCCqGSM49BAMDA2kAMGYCMQCPeFM3' +
  'TASsKQVaT+8S0sO9u97PVGCpE9d/I42IT7k3UUOLSR/qvJynVOD1vQKVXf0CMQC+EY55WYoDBvs2wPAH1Gw4LbcwUN8QCff8' +
  'bFmV4ZxjCRr4WXTLFHBKjbfneGSBWwA='

/**
 * NVIDIA CoRIM signing Root CA, of reference integrity manifests, valid until 2053; from the same place
 * (`verifier_RIM_root.pem`);
 * SHA-256 12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1.
 */
const CORIM_SIGNING_ROOT_CA =
  'MIICKTCCAbCgAwIBAgIQRdrjoA5QN73fh1N17LXicDAKBggqhkjOPQQDAzBFMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGTlZJ' +
  'RElBMSUwIwYDVQQDDBxOVklESUEgQ29SSU0gc2lnbmluZyBSb290IENBMCAXDTIzMDMxNjE1MzczNFoYDzIwNTMwMzA4MTUz' +
  'NzM0WjBFMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGTlZJRElBMSUwIwYDVQQDDBxOVklESUEgQ29SSU0gc2lnbmluZyBSb290' +
  'IENBMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEuECyi9vNM+Iw2lfUzyBldHAwaC1HF7TCgp12QcEyUTm3Tagxwr48d55+K2VI' +
  'lWYIDk7NlAIQdcV/Ff7euGLI+Qauj93HsSI4WX298PpW54RTgz9tC+Q684caR/BXWEeZo2MwYTAdBgNVHQ4EFgQUpaXrOPK4' +
  'ZDAk08DBskn594zeZjAwHwYDVR0jBBgwFoAUpaXrOPK4ZDAk08DBskn594zeZjAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8B' +
  'Af8EBAMCAQYwCgYIKoZIzj0EAwMDZwAwZAIwHGDyscDP6ihHqRvZlI3eqZ4YkvjE1duaN84tAHRVgxVMvNrp5Tnom3idHYGW' +
  '/dskAjATvjIx6VzHm/4e2GiZAyZEIUBDOKPzp5ei/A0iUZpdvngenDwV8Qa/wGdiTmJ7Bp4='

/**
 * Issuers of the keys of NVIDIA's Remote Attestation Service, by SHA-256 of the certificate: "NVIDIA Attestation
 * Service GPU Intermediate" 002 (until December 2025), 003 and 004 (until December 2029). The root above them is
 * not published; 003 and 004 carry signatures of one key, the one that both name as their issuer's. Sources:
 * https://github.com/openpcc/openpcc (`attestation/verify/nras_root.pem`), and `x5c` in
 * https://nras.attestation.nvidia.com/.well-known/jwks.json.
 */
const NRAS_AUTHORITIES = [
  'dd7b6aa74fdbb74a38baa0413726e733d415de22e445a3f6efe2cebe2cfd8703',
  'c76ceed40610efa606864db52c167fbbd6c819de2c0ea5c01acb47ce9e5dc54d',
  '2df8907cf4d6c277b855d407ec178a649930a8e73f7294e8fce66e6ee27c5175',
]

/** Whom a verification believes. Always {@link nvidiaRoots} but in tests with an authority of their own. */
export interface NvidiaRoots {
  devices: readonly Certificate[]
  referenceManifests: readonly Certificate[]
  /** SHA-256 of certificates that issue keys of NRAS, hexadecimal. */
  nrasAuthorities: readonly string[]
}

let pinned: NvidiaRoots | undefined

/** NVIDIA's own roots. */
export function nvidiaRoots(): NvidiaRoots {
  pinned ??= {
    devices: [parseCertificate(fromBase64(DEVICE_IDENTITY_CA))],
    referenceManifests: [parseCertificate(fromBase64(CORIM_SIGNING_ROOT_CA))],
    nrasAuthorities: NRAS_AUTHORITIES,
  }
  return pinned
}
