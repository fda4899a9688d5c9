import { expect, test } from 'vitest'
import { type ProcessFacts, refuseUnsafe } from '../../src/role/index.ts'

const SAFE: ProcessFacts = {
  env: { PATH: '/usr/bin', NODE_CHANNEL_FD: '3' },
  execArgv: ['--max-semi-space-size=1', '--external-memory-accounted-in-global-limit', '--disable-sigusr1'],
  inspectorUrl: undefined,
  limits:
    'Limit                     Soft Limit           Hard Limit           Units\nMax core file size        0                    unlimited            bytes\n',
  swaps: 'Filename\tType\tSize\tUsed\tPriority\n',
}
const SWAP = `${SAFE.swaps}/swapfile file 1024 0 -2\n`

test('an ordinary start is accepted', () => {
  expect(() => refuseUnsafe(SAFE, { refuseSwap: true })).not.toThrow()
  expect(() => refuseUnsafe({ ...SAFE, swaps: SWAP }, { refuseSwap: false })).not.toThrow()
})

test.each<[string, Partial<ProcessFacts>]>([
  ['NODE_OPTIONS', { env: { NODE_OPTIONS: '' } }],
  ['NODE_V8_COVERAGE', { env: { NODE_V8_COVERAGE: '/tmp' } }],
  ['NODE_EXTRA_CA_CERTS', { env: { NODE_EXTRA_CA_CERTS: '/x' } }],
  ['NODE_TLS_REJECT_UNAUTHORIZED', { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }],
  ['LD_PRELOAD', { env: { LD_PRELOAD: '/x.so' } }],
  ['SSLKEYLOGFILE', { env: { SSLKEYLOGFILE: '/x' } }],
  ['OPENSSL_CONF', { env: { OPENSSL_CONF: '/x' } }],
  ['--inspect', { execArgv: ['--inspect'] }],
  ['--inspect-brk=0', { execArgv: ['--inspect-brk=0'] }],
  ['--require', { execArgv: ['--require', './x.js'] }],
  ['-r', { execArgv: ['-r', './x.js'] }],
  ['--import', { execArgv: ['--import=./x.js'] }],
  ['--experimental-loader', { execArgv: ['--experimental-loader', './x.js'] }],
  ['--env-file', { execArgv: ['--env-file=.env'] }],
  ['--heapsnapshot-signal', { execArgv: ['--heapsnapshot-signal=SIGUSR2'] }],
  ['--cpu-prof', { execArgv: ['--cpu-prof'] }],
  ['--max-old-space-size with more', { execArgv: ['--max-old-space-size=1 --inspect'] }],
  ['an open inspector', { inspectorUrl: 'ws://127.0.0.1:9229/x' }],
  ['core dumps', { limits: SAFE.limits.replace(' 0  ', ' unlimited  ') }],
  ['unknown limits', { limits: '' }],
  ['swap', { swaps: SWAP }],
])('refuses %s', (_, change) => {
  expect(() => refuseUnsafe({ ...SAFE, ...change }, { refuseSwap: true })).toThrowError(
    expect.objectContaining({ code: 'ROLE_UNSAFE', action: 'stop' }),
  )
})
