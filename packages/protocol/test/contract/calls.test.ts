import { describe, expect, it } from 'vitest'
import {
  type ContractCall,
  contractCallDecoder,
  contractViewDecoder,
  encodeContract,
  runResultDecoder,
} from '@sotto/protocol/contract'
import { fromUtf8 } from '@sotto/protocol/bytes'
import type { Decoder } from '@sotto/protocol/jcs'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { DOCUMENTS } from '../keyrelease/documents.ts'
import { at, changed, objectsIn, type Path } from '../keyrelease/every-object.ts'
import { bankAndRetailer, GENESIS, named, NOW, offerOf } from './contracts.ts'

const CONTRACT = named(bankAndRetailer())
const text = fromUtf8(encodeContract(CONTRACT.contract))
const run = 'ab'.repeat(32)
const calls: Record<ContractCall['call'], object> = {
  accept: { call: 'accept', contract: text, acceptance: '{}' },
  sign: { call: 'sign', contract: CONTRACT.digest, kind: 'withdrawal', envelope: '{}' },
  show: { call: 'show', contract: CONTRACT.digest, inquiry: '{}' },
  run: {
    call: 'run',
    offer: offerOf(CONTRACT, 'spending', { template: 'segments' }),
    consents: ['{}'],
    request: DOCUMENTS['releaseRequest']!.good,
  },
  release: { call: 'release', contract: CONTRACT.digest, run, result: '{}', approvals: ['{}'] },
}
const MESSAGES: Record<string, { decoder: Decoder<object>; good: object }> = {
  ...Object.fromEntries(
    Object.entries(calls).map(([name, good]) => [name, { decoder: contractCallDecoder, good }]),
  ),
  view: {
    decoder: contractViewDecoder,
    good: {
      phase: 'running',
      contract: text,
      accepted: ['bank', 'retailer'],
      closed: ['bank'],
      withdrawn: [{ party: 'bank', consent: 'logging' }],
      data: [{ input: 'customers', envelope: '{}' }],
      left: [{ input: 'customers', transform: 'spending', runs: 99, epsilonMicros: 5 }],
      runs: 1,
    },
  },
  result: {
    decoder: runResultDecoder,
    good: {
      format: 'sotto-run-result/1',
      genesis: GENESIS,
      contract: CONTRACT.digest,
      run,
      outputs: [{ output: 'spent', digest: run, bytes: 0 }],
      at: NOW,
    },
  },
}

/** What other files test: an offer, and evidence. */
const isOwn = (path: Path): boolean => path[0] !== 'offer' && path[0] !== 'request'
const mayBeEmpty = ['approvals', 'accepted', 'closed', 'withdrawn', 'data', 'left']

describe.each(Object.keys(MESSAGES))('a message %s', (name) => {
  const { decoder, good } = MESSAGES[name]!
  const refuse = (value: object, what: string): void =>
    expect(() => decodeDocument(encodeDocument(value), decoder, 'message', 300_000), what).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )

  it('is read as it was written', () => {
    expect(decodeDocument(encodeDocument(good), decoder, 'message', 300_000)).toEqual(good)
  })

  it('has all of its members, of their types, and no other', () => {
    for (const path of [...objectsIn(good)].filter(isOwn)) {
      for (const extra of ['extra', 'constructor'])
        refuse(
          changed(good, path, (value) => (value[extra] = 1)),
          path.join('.'),
        )
      for (const member of Object.keys(at(good, path))) {
        const where = [...path, member].join('.')
        if (member !== 'epsilonMicros')
          refuse(
            changed(good, path, (value) => delete value[member]),
            where,
          )
        for (const wrong of [null, true, -1, '', [], {}, [null], 'x'.repeat(262_145)])
          if (!(Array.isArray(wrong) && wrong.length === 0 && mayBeEmpty.includes(member)))
            refuse(
              changed(good, path, (value) => (value[member] = wrong)),
              where,
            )
      }
    }
  })
})

it('a call is of a kind there is', () => {
  for (const call of ['others', 'constructor', '__proto__', null, undefined])
    expect(() => contractCallDecoder({ ...calls.show, call }, 'call')).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  for (const wrong of [null, undefined, 'show', []])
    expect(() => contractCallDecoder(wrong, 'call')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
})
