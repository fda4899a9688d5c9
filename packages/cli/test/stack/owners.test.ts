import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { toBase64Url } from '@sotto/protocol/bytes'
import { type AdmittedOwner, parseMemberJws } from '@sotto/protocol/governance'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMemberKey } from '../../src/governance/index.ts'
import { admitOwners, type LocalOwners } from '../../src/stack/owners.ts'
import { openSigner, type Signer } from '../../src/stack/state.ts'

const key = (byte: number): string => toBase64Url(new Uint8Array(32).fill(byte))
const LOCAL = new Uint8Array(32).fill(1)

let folder: string
let server: Server
let stack: Signer
/** Owners whom the KMS has, and lists that were proposed to it. */
let admitted: AdmittedOwner[]
let proposed: AdmittedOwner[][]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-test-'))
  stack = await openSigner(join(folder, 'stack'))
  admitted = []
  proposed = []
  server = createServer((request, response) => {
    const answered = text(request).then((body) => {
      if (request.method === 'POST' && request.url === '/v1/proposals') {
        const { proposal } = JSON.parse(body) as { proposal: string }
        const { document } = parseMemberJws(proposal, 'proposal')
        if (document.kind === 'owners') proposed.push(document.body.owners)
      }
      response.end(JSON.stringify({ owners: admitted, inForce: { digest: '00'.repeat(32) } }))
    })
    answered.catch((error: Error) => response.destroy(error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function admit(owners: LocalOwners): Promise<AdmittedOwner[] | undefined> {
  const { port } = server.address() as AddressInfo
  const kms = {
    kmsUrl: `http://127.0.0.1:${port}`,
    genesis: '11'.repeat(32),
    member: await openMemberKey(join(folder, 'member')),
    now: 1_800_000_000,
  }
  await admitOwners(kms, stack, owners)
  return proposed.at(-1)
}

test('the stack, the owner of this machine and all who were named are let in, each with a share of their own', async () => {
  const owners = await admit({ local: LOCAL, admitted: [key(2), key(3)] })
  expect(owners).toEqual([
    { name: 'this stack', key: toBase64Url(stack.publicKey), artifacts: 512 },
    { name: 'owner on this machine', key: key(1), artifacts: 512 },
    { name: `admitted ${key(2)}`, key: key(2), artifacts: 64 },
    { name: `admitted ${key(3)}`, key: key(3), artifacts: 64 },
  ])
})

test('the owner of this machine is let in once, also where somebody named it', async () => {
  const owners = await admit({ local: LOCAL, admitted: [key(1), key(2)] })
  expect(owners?.map(({ name }) => name)).toEqual([
    'this stack',
    'owner on this machine',
    `admitted ${key(2)}`,
  ])
})

test('nothing is decided where all of them are in already, and anew where one is missing', async () => {
  admitted = (await admit({ local: undefined, admitted: [key(2)] }))!
  await admit({ local: undefined, admitted: [key(2)] })
  await admit({ local: undefined, admitted: [] })
  expect(proposed).toHaveLength(1)
  await admit({ local: undefined, admitted: [key(2), key(3)] })
  expect(proposed).toHaveLength(2)
  expect(proposed[1]!.map((owner) => owner.key)).toEqual([toBase64Url(stack.publicKey), key(2), key(3)])
})
