import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { networkOf } from '../../src/server/peer.ts'

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['fe80::1:2:3:4%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
  ['localhost', 'localhost'],
])('%s is of %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it(claim('T19', 'addresses of one /64 are one party, whatever stands behind, and of two are two'), () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16))
  const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count })
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), groups(4), (network, other, host, host2) => {
      const addresses = [host, host2].map((rest) => [...network, ...rest].join(':'))
      expect(addresses.every(isIPv6)).toBe(true)
      expect(new Set(addresses.map(networkOf)).size).toBe(1)
      if (network.join() !== other.join())
        expect(networkOf([...other, ...host].join(':'))).not.toBe(networkOf(addresses[0]!))
    }),
  )
})
