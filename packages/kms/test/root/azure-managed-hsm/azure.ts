import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fromHex } from '@sotto/protocol/bytes'
import type { TrustedHardware } from '@sotto/serve/tee'
import { type FakeReportFields, fakeAmd } from '@sotto/testkit/snp'
import { type FakeMaa, fakeMaa } from '@sotto/testkit/tokens'
import { createAzureIdentity } from '../../../src/compat/index.ts'
import type { HsmNetwork } from '../../../src/root/azure-managed-hsm/index.ts'
import type { HsmKey } from '../../../src/root/types.ts'
import { attestSnp, Refusal, type TokenChange } from './fake-attestation.ts'
import { FakeHsm, newVersion, policyFor } from './fake-hsm.ts'

const VAULT = 'sotto.managedhsm.azure.net'
const MAA = 'sotto.weu.attest.azure.net'
export const ACCESS_TOKEN = 'eyJ0.access-token-of-the-identity.c2ln'
export const MEASUREMENT = 'ab'.repeat(48)
export const HOST_DATA = 'cd'.repeat(32)
export const MATERIAL: Uint8Array = new Uint8Array(32).fill(0x5a)

/** Answers in the place of a service, once; anything falsy lets the service answer. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean | void

/** Azure on this machine: an HSM and an attestation service over TLS with their real names, and a metadata service. */
export class Azure {
  readonly amd = fakeAmd()
  readonly chip = this.amd.chip()
  readonly asked: string[] = []
  /** By the first part of the path: `keys`, `attest`, `metadata`. */
  readonly faults = new Map<string, Fault>()
  tokenChange: TokenChange = {}
  maa!: FakeMaa
  hsm!: FakeHsm
  key!: HsmKey
  network!: HsmNetwork
  readonly #closers: (() => void)[] = []

  static async start(): Promise<Azure> {
    const azure = new Azure()
    const identity = createAzureIdentity([VAULT, MAA], Math.floor(Date.now() / 1000))
    const secure = createHttpsServer(identity.tls, (request, response) => azure.#answer(request, response))
    const plain = createHttpServer((request, response) => azure.#answer(request, response))
    for (const server of [secure, plain]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      azure.#closers.push(() => {
        server.closeAllConnections()
        server.close()
      })
    }
    const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port
    const keyVersion = newVersion()
    azure.maa = fakeMaa(`https://${MAA}:${port(secure)}`)
    azure.hsm = new FakeHsm(azure.maa)
    azure.key = {
      vaultUrl: `https://${VAULT}:${port(secure)}`,
      keyName: 'root',
      keyVersion,
      previousKeyVersion: undefined,
      maa: azure.maa.issuer,
      clientId: undefined,
      allowMutablePolicy: false,
    }
    azure.network = {
      ca: identity.service.pem,
      lookup: (_, options, found) =>
        options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
      metadata: `http://127.0.0.1:${port(plain)}`,
      timeoutMs: 2000,
    }
    azure.addVersion(keyVersion, MATERIAL)
    return azure
  }

  get policy(): object {
    return policyFor(this.maa.issuer, MEASUREMENT, HOST_DATA)
  }

  addVersion(version: string, material: Uint8Array, kty = 'oct-HSM', policy: object = this.policy): void {
    this.hsm.versions.set(`root/${version}`, { kty, material, policy })
  }

  /** A guest on a chip of this vendor. */
  hardware(change: Partial<FakeReportFields> = {}): TrustedHardware {
    const { chip } = this
    const fields = { measurement: fromHex(MEASUREMENT), hostData: fromHex(HOST_DATA), ...change }
    const collateral = Object.entries(chip.collateral).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString('base64url'),
    ])
    return {
      family: 'sev-snp',
      async collectEvidence(reportData) {
        const report = Buffer.from(chip.report({ ...fields, reportData })).toString('base64url')
        const pieces = Object.fromEntries(collateral) as Record<string, string>
        return [{ family: 'sev-snp', evidence: report, collateral: pieces }]
      },
      deriveSealingKey: () => Promise.reject(new Error('nobody may ask for it')),
    }
  }

  close(): void {
    for (const close of this.#closers) close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, `https://${request.headers.host}`)
    const service = url.pathname.split('/')[1]!
    this.asked.push(`${request.method} ${url.pathname}`)
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const body = new Uint8Array(Buffer.concat(parts))
    const send = (status: number, value: unknown, headers = {}): unknown =>
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(value))
    const fault = this.faults.get(service)
    if (fault?.(request, response)) return
    try {
      if (service === 'metadata') {
        const isAsked = request.headers['metadata'] === 'true'
        const resource = url.searchParams.get('resource')
        if (!isAsked || resource !== 'https://managedhsm.azure.net') throw new Refusal(400, 'invalid_request')
        const expires_on = `${Math.floor(Date.now() / 1000) + 3600}`
        return void send(200, { access_token: ACCESS_TOKEN, expires_on, token_type: 'Bearer' })
      }
      if (service === 'attest') {
        if (url.pathname !== '/attest/SevSnpVm') throw new Refusal(404, 'NotFound')
        return void send(200, { token: attestSnp(body, this.maa, this.amd, this.tokenChange) })
      }
      if (request.headers.authorization !== `Bearer ${ACCESS_TOKEN}`) {
        const challenge =
          'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://managedhsm.azure.net"'
        return void send(401, { error: { code: 'Unauthorized' } }, { 'www-authenticate': challenge })
      }
      return void send(200, this.hsm.release(url, this.key.vaultUrl, body))
    } catch (error) {
      if (error instanceof Refusal)
        return void send(error.status, { error: { code: error.code, message: 'no' } })
      send(500, { error: { code: 'Bug', message: String(error) } })
    }
  }
}
