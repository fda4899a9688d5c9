import { constants, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto'
import { fromBase64, fromUtf8, toBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import type { Component, PolicyTuple } from '@sotto/protocol/keyrelease'
import { type AzureReleasedKey, parseReleasedKey } from '@sotto/protocol/azure-dialect'
import type { App } from '@sotto/serve/errors'
import type { TrustedHardware } from '@sotto/serve/tee'
import type { FakeAmd } from '@sotto/testkit/snp'
import { snpTee } from '@sotto/testkit/tee'
import { type FakeMaa, type FakeMaaTokenOptions, SNP_CLAIMS } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { createAzureApp, createAzureIdentity, type AzureIdentity } from '../../src/compat/index.ts'
import type { Kms } from '../../src/core/index.ts'
import { createKeySets } from '../../src/compat/key-sets.ts'
import { seed, World } from '../world.ts'

/** A guest with a TPM: its token vouches for the key, and only it can unwrap. */
export interface Guest {
  /** What the token says of the program. */
  measurement: string
  hostData: string
  privateKey: KeyObject
  jwk: { kid: string; kty: string; n: string; e: string }
}

export function guest(
  change: Partial<Pick<Guest, 'measurement' | 'hostData'>> = {},
  modulusLength = 2048,
): Guest {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string }
  return {
    measurement: 'ab'.repeat(48),
    hostData: 'c3'.repeat(32),
    privateKey,
    jwk: { kid: 'TpmEphemeralEncryptionKey', kty: 'RSA', n, e },
    ...change,
  }
}

export function tokenOf(maa: FakeMaa, guest: Guest, change: FakeMaaTokenOptions = {}): string {
  const claims = {
    ...SNP_CLAIMS,
    'x-ms-sevsnpvm-launchmeasurement': guest.measurement,
    'x-ms-sevsnpvm-hostdata': guest.hostData,
    'x-ms-runtime': { keys: [{ kid: 'HCLAkPub', kty: 'RSA', n: 'AQAB', e: 'AQAB' }, guest.jwk] },
    ...change.claims,
  }
  return fromUtf8(maa.token({ ...change, claims }))
}

/** What only the TPM of this guest can do. */
export function unwrap(guest: Guest, wrapped: string): AzureReleasedKey {
  const options = { key: guest.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  return parseReleasedKey(new Uint8Array(privateDecrypt(options, fromBase64(wrapped))))
}

/** A KMS on hardware that serves the dialect too. */
export class AzureWorld extends World {
  readonly maa: FakeMaa
  readonly identity: AzureIdentity = createAzureIdentity(['localhost', '127.0.0.1'], FAKE_NOW)
  readonly fetched: string[] = []
  readonly azure: App
  readonly azureRefused: [string, number][] = []
  /** Seconds that rate limits count. */
  patience = 0

  constructor(maa: FakeMaa, amd: FakeAmd) {
    super({ softwareRoots: undefined, compat: { dialect: 'azure', listen: { port: 0 } } })
    this.maa = maa
    this.now = FAKE_NOW
    const own = snpTee(amd)
    this.hardware = {
      family: 'sev-snp',
      collectEvidence: async (binding) =>
        own.evidence(
          { measurement: softwareMeasurement('aa'.repeat(32)), hostData: 'd4'.repeat(32) },
          binding,
        ),
      deriveSealingKey: () => Promise.resolve(seed(77)),
    } satisfies TrustedHardware
    const fetch = (async (url: string) => {
      this.fetched.push(url)
      const x5c = [toBase64(this.maa.certify({ notAfter: FAKE_NOW + 1_000_000 }))]
      return new Response(this.maa.jwks({ x5c }) as Uint8Array<ArrayBuffer>)
    }) as typeof globalThis.fetch
    this.azure = createAzureApp({
      kms: () => this.kms as Kms | undefined,
      identity: this.identity,
      keySets: createKeySets(fetch),
      name: 'test',
      monotonic: () => (this.now + this.patience) * 1000,
      onError: (code, status) => this.azureRefused.push([code, status]),
    })
  }

  /** Started, with a policy of these tuples. */
  static async open(maa: FakeMaa, amd: FakeAmd, guests: readonly Guest[]): Promise<AzureWorld> {
    const world = new AzureWorld(maa, amd)
    await world.start()
    await world.admitGuests(guests)
    return world
  }

  async admitGuests(guests: readonly Guest[]): Promise<void> {
    const releases = guests.map((one) =>
      this.logRelease({ image: 'b2'.repeat(32), hostData: one.hostData }, { evidence: pinsOf(one) }),
    )
    const anyOf = guests.map((one, index) => this.tokenTuple(one, `guest-${index}`))
    await this.acceptPolicy(this.proposal(this.policy({ anyOf }), undefined, releases))
  }

  tokenTuple(one: Guest, name: string): PolicyTuple {
    const platform = {
      tees: ['sevsnpvm'],
      issuers: [this.maa.issuer],
      signingKeys: [toHex(crypto.sha256(this.maa.key.spki))],
    }
    return { name, role: 'inference', allOf: [{ ...pinsOf(one), ...platform } as Component] }
  }

  /** Asks until the log has what the answer rests on. */
  async ask(
    path: string,
    { method = 'GET', token, body }: { method?: string; token?: string; body?: string } = {},
  ): Promise<{ status: number; body: Record<string, unknown>; text: string; headers: Headers }> {
    for (;;) {
      const response = await this.once(path, { method, token, body })
      if (response.status === 202 && !this.log.isDown) {
        await new Promise((resolve) => setImmediate(resolve))
        continue
      }
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
      return {
        status: response.status,
        body: isJson ? JSON.parse(text) : {},
        text,
        headers: response.headers,
      }
    }
  }

  async once(
    path: string,
    {
      method = 'GET',
      token,
      body,
    }: { method?: string; token?: string | undefined; body?: string | undefined } = {},
  ): Promise<Response> {
    return this.azure(
      new Request(`https://kms.test${path}`, {
        method,
        ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
        ...(body !== undefined && { body }),
      }),
    )
  }

  /** Code of the refusal of a request for a key. */
  async refusalOf(path: string, token?: string): Promise<string> {
    this.patience += 1
    const { body } = await this.ask(path, { method: 'POST', ...(token !== undefined && { token }) })
    return (body['error'] as { code: string } | undefined)?.code ?? 'none'
  }
}

/** What a release statement says evidence of this guest says. */
function pinsOf({ measurement, hostData }: Guest): Component {
  return { family: 'azure-maa', launchMeasurements: [measurement], hostData: [hostData] }
}
