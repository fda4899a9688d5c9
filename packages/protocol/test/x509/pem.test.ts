import { describe, expect, it } from 'vitest'
import { certificatesOfPem, pemToDer } from '@sotto/protocol/x509'
import { fakePem, fakeRoot } from '@sotto/testkit/x509'

const malformed = expect.objectContaining({ code: 'X509_MALFORMED', action: 'fix-input' })
const root = fakeRoot()
const leaf = root.issue()
const { pem } = leaf

describe('PEM', () => {
  it('holds certificates in order', () => {
    expect(certificatesOfPem(leaf.pem + root.pem)).toEqual([leaf.der, root.der])
  })

  it.each<[string, string]>([
    ['Windows line ends', pem.replaceAll('\n', '\r\n')],
    ['white space around', `\n \t${pem}\n\n`],
    ["the NUL at the end of Intel's chains", `${pem}\0`],
    ['one long line', pem.replaceAll(/(?<!-)\n(?!-)/g, '')],
    ['no last line end', pem.trimEnd()],
  ])('may have %s', (_, text) => {
    expect(certificatesOfPem(text)).toEqual([leaf.der])
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['only white space', '\n\n'],
    ['text before it', `hello\n${pem}`],
    ['text between blocks', `${pem}hello\n${pem}`],
    ['text after it', `${pem}hello`],
    ['another label', pem.replaceAll('CERTIFICATE', 'X509 CRL')],
    ['no end', pem.slice(0, -27)],
    ['another end', pem.replace('END CERTIFICATE', 'END CERTIFICATES')],
    ['another beginning', pem.replace('BEGIN CERTIFICATE', 'BEGIN CERTIFICATF')],
    ['a header', pem.replace('-----\n', '-----\nProc-Type: 4\n\n')],
    ['spaces in lines', pem.replace('\nM', '\n M')],
    ['base64url', pem.replace('\nM', '\n_')],
    ['no padding', fakePem('CERTIFICATE', new Uint8Array(4)).replaceAll('=', '')],
    ['stray bits', fakePem('CERTIFICATE', new Uint8Array(4)).replace('AA==', 'AB==')],
    ['33 blocks', pem.repeat(33)],
    ['a megabyte', `${pem}${' '.repeat(1_048_576)}`],
  ])('is refused with %s', (_, text) => {
    expect(() => certificatesOfPem(text)).toThrow(malformed)
  })

  it('of one label is one block', () => {
    const text = fakePem('X509 CRL', Uint8Array.of(1, 2, 3))
    expect(pemToDer(text, 'X509 CRL')).toEqual(Uint8Array.of(1, 2, 3))
    expect(() => pemToDer(text + text, 'X509 CRL')).toThrow(malformed)
    expect(() => pemToDer(text, 'CERTIFICATE')).toThrow(malformed)
  })
})
