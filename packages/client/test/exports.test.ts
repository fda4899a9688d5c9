import { expect, it } from 'vitest'
import * as collateral from '../src/collateral/index.ts'
import * as client from '../src/index.ts'
import * as multipart from '../src/multipart/index.ts'
import * as node from '../src/node/index.ts'
import * as proxy from '../src/proxy/index.ts'
import * as receipts from '../src/receipts/index.ts'
import * as tensors from '../src/tensors/index.ts'

it('offers exactly these names: adding one is a decision', () => {
  const names = (module: object): string[] => Object.keys(module).sort()
  expect(names(client)).toEqual([
    'APP_ORIGIN',
    'INNER_ORIGIN',
    'VerificationRefused',
    'checkTrust',
    'clientError',
    'connect',
    'modelOwner',
    'paddedLength',
    'readServerSentEvents',
    'textsOf',
  ])
  // Beside the root, which browsers load whole.
  expect(names(tensors)).toEqual([
    'createTensors',
    'outputsOfResult',
    'parseNpy',
    'tensorFromNpy',
    'tensorToNpy',
    'textsOf',
    'writeNpy',
  ])
  expect(names(receipts)).toEqual([
    'MAX_RESULT_BYTES',
    'createReceiptBook',
    'encodeResult',
    'isResult',
    'parseResult',
  ])
  expect(names(proxy)).toEqual([
    'USER_NAME',
    'changeProxyUsers',
    'createProxy',
    'isLoopback',
    'newUserKey',
    'parseAzurePath',
    'readProxyUsers',
    'startProxy',
  ])
  expect(names(node)).toEqual([
    'COLLATERAL_INDEX',
    'fileStorage',
    'fileTokenShelf',
    'readCollateral',
    'readFolder',
    'requireOwnFolder',
    'syncFolder',
    'withLock',
    'writeCollateral',
    'writeNew',
    'writeWhole',
  ])
  expect(names(collateral)).toEqual([
    'OCSP_NONCE_BYTES',
    'VENDOR_ENDPOINTS',
    'collateralError',
    'collateralNeeds',
    'describePiece',
    'encodeOcspRequest',
    'fetchCollateral',
    'packCollateral',
    'unpackCollateral',
  ])
  expect(names(multipart)).toEqual(['encodeMultipart', 'partsOfForm'])
})

it.each([
  ['RELAY_URL', 'fix-input'],
  ['REQUEST_ORIGIN', 'fix-input'],
  ['REQUEST_INVALID', 'fix-input'],
  ['REQUEST_TOO_LARGE', 'fix-input'],
  ['STORAGE_INVALID', 'fix-input'],
  ['ISSUER_URL', 'fix-input'],
  ['ISSUER_REFUSED', 'fix-input'],
  ['PROXY_CONFIG', 'fix-input'],
  ['BUNDLE_UNREACHABLE', 'retry'],
  ['ISSUER_UNREACHABLE', 'retry'],
  ['ISSUER_QUOTA', 'retry'],
  ['RELAY_UNREACHABLE', 'retry'],
  ['RELAY_REFUSED', 'retry'],
  ['KEY_UNKNOWN', 'retry'],
  ['RESPONSE_TRUNCATED', 'retry'],
  ['RECEIPT_MISSING', 'retry'],
  ['RECEIPT_UNPROVEN', 'retry'],
  ['VERIFY_REFUSED', 'stop'],
  ['BUNDLE_INVALID', 'stop'],
  ['ISSUER_INVALID', 'stop'],
  ['RESPONSE_INVALID', 'stop'],
  ['RECEIPT_INVALID', 'stop'],
] as const)('%s asks the caller to %s', (code, action) => {
  expect(client.clientError(code, 'x').action).toBe(action)
})

it.each([
  ['COLLATERAL_ADDRESS', 'fix-input'],
  ['COLLATERAL_EVIDENCE', 'fix-input'],
  ['COLLATERAL_MISSING', 'retry'],
  ['COLLATERAL_UNREACHABLE', 'retry'],
  ['COLLATERAL_EXPIRED', 'retry'],
  ['COLLATERAL_INVALID', 'stop'],
  ['COLLATERAL_ROLLBACK', 'stop'],
  ['COLLATERAL_MEMORY', 'fix-input'],
  ['COLLATERAL_BUNDLE', 'fix-input'],
] as const)('%s asks the caller to %s', (code, action) => {
  expect(collateral.collateralError(code, 'x').action).toBe(action)
})
