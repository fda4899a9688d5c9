/**
 * Media types that answers may have. Vendors name the same thing differently (KDS sends
 * application/octet-stream for everything), so that these lists only tell a document from an error page;
 * what it is, is for its parser to say.
 */
export const MEDIA_TYPES = {
  certificate: ['application/octet-stream', 'application/x-x509-ca-cert', 'application/pkix-cert'],
  chain: [
    'application/octet-stream',
    'application/x-pem-file',
    'application/pem-certificate-chain',
    'text/plain',
  ],
  crl: [
    'application/octet-stream',
    'application/pkix-crl',
    'application/x-pkcs7-crl',
    'application/x-x509-ca-cert',
    'application/pkix-cert',
  ],
  json: ['application/json'],
  ocsp: ['application/ocsp-response'],
} as const

/** Bounds of answers, bytes: several times what occurs. */
export const MAX_BYTES = {
  certificate: 16_384,
  chain: 65_536,
  crl: 1_048_576,
  tcbInfo: 262_144,
  ocsp: 65_536,
  rim: 4_194_304,
  jwks: 262_144,
} as const
