import { createPrivateKey, createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { equalBytes } from '@sotto/protocol/bytes'
import { omsKeyHint, type OmsSigner } from '@sotto/protocol/oms'
import { certificatesOfPem, parseCertificate } from '@sotto/protocol/x509'
import { cliError } from '../../errors.ts'

/** Hash by the curve's OpenSSL name. */
const HASHES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
}

/**
 * A signer from PEM texts: an unencrypted private key (PKCS #8 or SEC 1), and the certificates, signer first.
 * @throws `CLI_FILE` (fix-input) for no such key, or certificates of another key
 */
export function openOmsSigner(keyPem: string, chainPem?: string): OmsSigner {
  const key = privateKey(keyPem)
  const hash = HASHES[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (key.asymmetricKeyType !== 'ec' || hash === undefined)
    throw cliError('CLI_FILE', 'models are signed with elliptic curves', {
      expected: 'a key on P-256, P-384 or P-521',
      found: key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'no key',
      hint: 'make one with openssl ecparam -name secp384r1 -genkey -noout',
    })
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  return {
    identity: chainPem === undefined ? { hint: omsKeyHint(spki) } : { chain: chainOf(chainPem, spki) },
    sign: (message) => new Uint8Array(sign(hash, message, key)),
  }
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    // Without the cause: it may quote the key.
    throw cliError('CLI_FILE', 'this is no private key', {
      expected: 'an unencrypted key in PEM',
      hint: 'decrypt it first, for example with openssl pkey -in KEY -out /dev/shm/key',
    })
  }
}

function chainOf(pem: string, spki: Uint8Array): Uint8Array[] {
  const chain = certificatesOfPem(pem)
  const leaf = parseCertificate(chain[0]!)
  if (!equalBytes(leaf.spki, spki))
    throw cliError('CLI_FILE', 'the first certificate is of another key', {
      found: leaf.subjectText,
      hint: 'put the certificate of the signing key first, then those that issued it',
    })
  // Read once more by Node: what another parser refuses would be a signature nobody verifies.
  for (const der of chain) void new X509Certificate(der)
  return chain
}
