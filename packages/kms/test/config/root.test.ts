import { createCustodianFile, openCustodianFile } from '@sotto/protocol/custody'
import { expect, test } from 'vitest'
import { decodeKmsConfig } from '../../src/config/index.ts'
import { World } from '../world.ts'

const [ada, ben] = ['ada', 'ben'].map((name) => ({ name, key: openCustodianFile(createCustodianFile()).key }))
const custodians = { source: 'custodians', threshold: 2, custodians: [ada, ben] }
const fields = new World().configFields()
const decode = (change: object): ReturnType<typeof decodeKmsConfig> =>
  decodeKmsConfig({ ...fields, ...change }, 'config')

test('the root secret comes from the TEE unless custodians are named', () => {
  expect(decode({}).root).toEqual({ source: 'tee', folder: undefined })
  expect(decode({ root: { source: 'tee', folder: '/var/lib/sotto' } }).root).toEqual({
    source: 'tee',
    folder: '/var/lib/sotto',
  })
  expect(decode({ root: custodians }).root).toEqual({ ...custodians, folder: undefined })
  expect(decode({ expectGenesis: 'ab'.repeat(32) }).expectGenesis).toBe('ab'.repeat(32))
})

test('custodians and a database need a folder of their own', () => {
  const store = { postgres: { name: 'kms' } }
  expect(decode({ store, root: { ...custodians, folder: '/srv' } }).root).toMatchObject({ folder: '/srv' })
  expect(() => decode({ store, root: custodians })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

test.each<[string, unknown]>([
  ['another source', { source: 'disk' }],
  ['no source', {}],
  ['custodians of a TEE', { ...custodians, source: 'tee' }],
  ['one custodian', { ...custodians, custodians: [ada] }],
  ['one custodian under two names', { ...custodians, custodians: [ada, { ...ada, name: 'other' }] }],
  ['one name for two custodians', { ...custodians, custodians: [ada, { ...ben, name: 'ada' }] }],
  ['a threshold of one', { ...custodians, threshold: 1 }],
  ['a threshold past the number of custodians', { ...custodians, threshold: 3 }],
  ['no threshold', { source: 'custodians', custodians: [ada, ben] }],
  ['a key that is too short', { ...custodians, custodians: [ada, { name: 'ben', key: 'AAAA' }] }],
  ['an unknown member', { ...custodians, quorum: 2 }],
  ['a folder that is none', { ...custodians, folder: 7 }],
])('refuses %s', (_, root) => {
  expect(() => decode({ root })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('refuses a genesis that is no digest', () => {
  expect(() => decode({ expectGenesis: 'genesis' })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

const hsm = {
  source: 'azure-managed-hsm',
  vaultUrl: 'https://sotto.managedhsm.azure.net',
  keyName: 'kms-root',
  keyVersion: 'ab'.repeat(16),
  maa: 'https://sotto.weu.attest.azure.net',
}

test('a key of a managed HSM is named whole', () => {
  const absent = {
    folder: undefined,
    previousKeyVersion: undefined,
    clientId: undefined,
    allowMutablePolicy: false,
  }
  expect(decode({ root: hsm }).root).toEqual({ ...hsm, ...absent })
  const more = {
    ...hsm,
    previousKeyVersion: 'cd'.repeat(16),
    clientId: '01234567-89ab-cdef-0123-456789abcdef',
    folder: '/srv',
    allowMutablePolicy: true,
    maa: 'https://sharedweu.weu.attest.azure.net',
  }
  expect(decode({ root: more }).root).toEqual(more)
})

test.each<[string, Record<string, unknown>]>([
  ['an HSM without TLS', { vaultUrl: 'http://sotto.managedhsm.azure.net' }],
  ['an HSM of somebody else', { vaultUrl: 'https://sotto.managedhsm.azure.net.evil.example' }],
  ['an HSM at a port', { vaultUrl: 'https://sotto.managedhsm.azure.net:8443' }],
  ['an HSM with a path', { vaultUrl: 'https://sotto.managedhsm.azure.net/' }],
  ['an HSM with a user', { vaultUrl: 'https://a@sotto.managedhsm.azure.net' }],
  ['a vault that is no HSM', { vaultUrl: 'https://sotto.vault.azure.net' }],
  ['another attestation service', { maa: 'https://attest.example' }],
  ['no version', { keyVersion: undefined }],
  ['a version that is none', { keyVersion: 'latest' }],
  ['the same version before', { previousKeyVersion: hsm.keyVersion }],
  ['a name with a path in it', { keyName: 'a/b' }],
  ['a policy that may perhaps change', { allowMutablePolicy: 'no' }],
  ['an identity that is none', { clientId: 'me' }],
  ['an unknown member', { api: '7.5' }],
])('refuses %s', (_, change) => {
  const root = Object.fromEntries(
    Object.entries({ ...hsm, ...change }).filter(([, value]) => value !== undefined),
  )
  expect(() => decode({ root })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
