import { createWorld } from '@sotto/testkit'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeRoleConfig,
  inferenceConfig,
  type InferenceRole,
  roomConfig,
  type RoomRole,
  roomsConfig,
} from '../../packages/cli/src/roles/index.ts'
import { localDataUse } from '../../packages/cli/src/stack/documents.ts'
import { decodeConfig } from './decode-config.ts'

const listen = { host: '127.0.0.1', port: 20_001 }
let policy: TrustPolicy
beforeAll(async () => {
  policy = parseTrustPolicy((await createWorld()).policy)
})

const room = (more: Partial<RoomRole> = {}): string =>
  encodeRoleConfig(
    roomConfig({
      listen,
      kmsUrls: ['http://127.0.0.1:20002'],
      logUrl: 'http://127.0.0.1:20003',
      policy,
      boardsUrl: 'http://127.0.0.1:20004',
      ...more,
    }),
  )
const inference = (rooms: InferenceRole['rooms']): string =>
  encodeRoleConfig(
    inferenceConfig({
      listen,
      kmsUrls: ['http://127.0.0.1:20002'],
      logUrl: 'http://127.0.0.1:20003',
      rooms,
      policy,
      modelsFolder: '/models',
      models: [],
      aliases: {},
      dataUse: localDataUse(undefined),
      maxUploadBytes: 2 ** 28,
    }),
  )

describe('configurations of clean rooms', () => {
  it('are read by the room as they are written: the least there can be, and all there can be', () => {
    expect(decodeConfig('room', room())).toMatchObject({
      listen,
      metrics: undefined,
      kms: { urls: ['http://127.0.0.1:20002'] },
      log: { url: 'http://127.0.0.1:20003' },
      boards: { url: 'http://127.0.0.1:20004' },
      policy: { genesis: policy.genesis },
    })
    const queries = { memoryBytes: 2 ** 30, threads: 2, seconds: 60 }
    const metrics = { host: '127.0.0.1', port: 20_005 }
    const kmsUrls = Array.from({ length: 8 }, (_, at) => `https://kms-${at}.example`)
    expect(decodeConfig('room', room({ queries, metrics, kmsUrls }))).toMatchObject({
      queries,
      metrics,
      kms: { urls: kmsUrls },
    })
  })

  it('are read by the boards as they are written', () => {
    const role = { listen, store: '/store/rooms', genesis: 'ab'.repeat(32), owners: '/config/owners' }
    expect(decodeConfig('rooms', encodeRoleConfig(roomsConfig(role)))).toMatchObject(role)
  })

  it('tell an inference enclave where boards and room are, or of none', () => {
    const rooms = { boardsUrl: 'http://127.0.0.1:20004', roomUrl: 'http://127.0.0.1:20001' }
    expect(decodeConfig('inference', inference(rooms))).toMatchObject({
      rooms: { boards: rooms.boardsUrl, room: rooms.roomUrl },
    })
    expect(inference(undefined)).not.toContain('"rooms"')
    expect(decodeConfig('inference', inference(undefined))).toMatchObject({ rooms: undefined })
  })

  it.each([
    ['boards without a room', { boards: 'http://a' }],
    ['a room without boards', { room: 'http://a' }],
    ['an address of another kind', { boards: 'http://a', room: 'file:///etc/passwd' }],
    ['a member nobody knows', { boards: 'http://a', room: 'http://b', more: 1 }],
    ['one address alone', 'http://a'],
    ['nothing', null],
  ])('are refused by an inference enclave with %s', (_what, rooms) => {
    const config = JSON.stringify({ ...(JSON.parse(inference(undefined)) as object), rooms })
    expect(() => decodeConfig('inference', config)).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
    )
  })
})
