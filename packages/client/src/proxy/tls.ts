import { constants } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { clientError } from '../errors.ts'
import { readPrivateFile, readPublicFile } from './private-file.ts'

/** Files that a proxy speaks TLS with, all PEM. They are read again when they change. */
export interface ProxyTls {
  /** Certificate, and those between it and its root. */
  certFile: string
  /** Its private key, mode 0600. */
  keyFile: string
  /** CAs whose certificates every client has to show. @default clients need none */
  clientCaFile?: string
}

const MAX_PEM_BYTES = 1024 * 1024

/**
 * What TLS 1.2 and later is spoken with.
 * @throws `PROXY_CONFIG` a file that cannot be read, a key that others may read, or files that do not go together
 */
export async function loadTls({ certFile, keyFile, clientCaFile }: ProxyTls): Promise<SecureContextOptions> {
  const [cert, key, ca] = await Promise.all([
    readPublicFile(certFile, MAX_PEM_BYTES),
    readPrivateFile(keyFile, MAX_PEM_BYTES),
    clientCaFile === undefined ? undefined : readPublicFile(clientCaFile, MAX_PEM_BYTES),
  ])
  const options: SecureContextOptions = {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && {
      ca,
      // A session that is taken up again would bring the certificate of another day with it.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  }
  // Of a text without any, OpenSSL says nothing.
  requireCertificate(certFile, cert)
  if (ca !== undefined) requireCertificate(clientCaFile!, ca)
  try {
    createSecureContext(options)
  } catch (cause) {
    const { code } = cause as { code?: string }
    throw clientError('PROXY_CONFIG', 'certificate and private key cannot be used together', {
      expected: `PEM in ${certFile}, and its private key in ${keyFile}`,
      ...(code !== undefined && { found: code }),
      cause,
    })
  }
  return options
}

function requireCertificate(file: string, pem: string): void {
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw clientError('PROXY_CONFIG', `${file} holds no certificate`, { expected: 'PEM' })
}
