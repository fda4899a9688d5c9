import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { fromHex, toBase64, toHex } from '@sotto/protocol/bytes'
import { describe, expect, it } from 'vitest'
import { modelNameOf, ownerKeyPem, parseOwnerKey } from '../../src/models/index.ts'

/** RFC 8410 Section 10.3: the same key without and with attributes and its public half. */
const SEED = 'd4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842'
const PLAIN = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
`
const WITH_PUBLIC = `-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
`

describe('the key of an owner', () => {
  it('is written and read as RFC 8410 has it', () => {
    expect(ownerKeyPem(fromHex(SEED))).toBe(PLAIN)
    expect(toHex(parseOwnerKey(PLAIN))).toBe(SEED)
    expect(toHex(parseOwnerKey(WITH_PUBLIC))).toBe(SEED)
    expect(createPrivateKey(ownerKeyPem(fromHex(SEED))).asymmetricKeyType).toBe('ed25519')
  })

  it.each([
    ['nothing', ''],
    ['other text', 'not a key'],
    [
      'a longer seed',
      `-----BEGIN PRIVATE KEY-----\n${toBase64(fromHex(`302f020100300506032b657004230421${SEED}00`))}\n-----END PRIVATE KEY-----`,
    ],
    [
      'a seed with something behind it',
      `-----BEGIN PRIVATE KEY-----\n${toBase64(fromHex(`3030020100300506032b657004240420${SEED}0500`))}\n-----END PRIVATE KEY-----`,
    ],
    ['a cut one', PLAIN.replace('MC4C', 'MC0C')],
    ['an encrypted one', PLAIN.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY')],
    ['two of them', PLAIN + PLAIN],
    ['one that is too long', PLAIN + ' '.repeat(5000)],
    [
      'one of another curve',
      generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('is not %s', (_what, pem) => {
    let error: unknown
    try {
      parseOwnerKey(pem)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'MODEL_OWNER', found: undefined })
    expect(error).not.toHaveProperty('cause')
  })
})

it.each([
  ['My Model.Q4_K_M.gguf', 'my-model.q4_k_m'],
  ['org/Detector.ONNX', 'detector'],
  ['__x', 'x'],
  ['…', undefined],
])('%s is called %s', (id, name) => {
  expect(modelNameOf(id)).toBe(name)
})
