import { expect, it } from 'vitest'
import * as client from '../src/index.ts'
import * as multipart from '../src/multipart/index.ts'
import * as node from '../src/node/index.ts'
import * as proxy from '../src/proxy/index.ts'

it('offers exactly these names: adding one is a decision', () => {
  const names = (module: object): string[] => Object.keys(module).sort()
  expect(names(client)).toEqual([
    'INNER_ORIGIN',
    'VerificationRefused',
    'checkTrust',
    'clientError',
    'connect',
    'paddedLength',
    'readServerSentEvents',
  ])
  expect(names(proxy)).toEqual(['createProxy', 'parseAzurePath', 'startProxy'])
  expect(names(node)).toEqual(['fileStorage'])
  expect(names(multipart)).toEqual(['encodeMultipart', 'partsOfForm'])
})

it.each([
  ['RELAY_URL', 'fix-input'],
  ['REQUEST_ORIGIN', 'fix-input'],
  ['REQUEST_INVALID', 'fix-input'],
  ['REQUEST_TOO_LARGE', 'fix-input'],
  ['STORAGE_INVALID', 'fix-input'],
  ['PROXY_CONFIG', 'fix-input'],
  ['BUNDLE_UNREACHABLE', 'retry'],
  ['RELAY_UNREACHABLE', 'retry'],
  ['RELAY_REFUSED', 'retry'],
  ['KEY_UNKNOWN', 'retry'],
  ['RESPONSE_TRUNCATED', 'retry'],
  ['RECEIPT_MISSING', 'retry'],
  ['RECEIPT_UNPROVEN', 'retry'],
  ['VERIFY_REFUSED', 'stop'],
  ['BUNDLE_INVALID', 'stop'],
  ['RESPONSE_INVALID', 'stop'],
  ['RECEIPT_INVALID', 'stop'],
] as const)('%s asks the caller to %s', (code, action) => {
  expect(client.clientError(code, 'x').action).toBe(action)
})
