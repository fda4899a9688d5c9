import { fakeNvidia } from '@sotto/testkit/nvidia'
import { fakeAmd } from '@sotto/testkit/snp'
import { snpGpuTee, snpTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { describe, expect, it, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { obtainKeys } from '../../src/release/obtain.ts'
import { createReleaseWorld, type ReleaseWorld } from './world.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
vi.mock('../../../verifier/src/nvidia/roots.ts', () => ({ nvidiaRoots: () => pinned['nvidia'] }))
const amd = fakeAmd()
const nvidia = fakeNvidia()
Object.assign(pinned, { amd: amd.roots, nvidia: nvidia.roots })

const release = (workloadTee: ReturnType<typeof snpTee>): Promise<ReleaseWorld> =>
  createReleaseWorld({ now: FAKE_NOW, tee: snpTee(amd), workloadTee })

describe('an enclave on hardware', () => {
  it(claim(['T8', 'T9'], 'shows its processor and its GPUs, and gets the keys'), async () => {
    const { context, requests } = await release(snpGpuTee(amd, nvidia))
    expect((await obtainKeys(context)).keys).toHaveLength(1)
    expect(requests[0]!.evidence.map(({ family }) => family)).toEqual(['sev-snp', 'nvidia'])
  })

  const [own, other] = [nvidia.device(), nvidia.device()]
  it.each([
    [
      'another GPU than its processor commits to',
      snpGpuTee(amd, nvidia, { committed: [own], shown: [other] }),
    ],
    ['a GPU more', snpGpuTee(amd, nvidia, { committed: [own], shown: [own, other] })],
    ['a GPU less', snpGpuTee(amd, nvidia, { committed: [own, other], shown: [own] })],
    ['one GPU as two', snpGpuTee(amd, nvidia, { committed: [own, own], shown: [own, own] })],
    ['no GPU', snpGpuTee(amd, nvidia, { committed: [own], shown: [] })],
    ['a GPU of another vendor', snpGpuTee(amd, fakeNvidia())],
  ])(claim('T9', 'with %s finds that out itself, and asks for nothing'), async (_what, tee) => {
    const { context, requests } = await release(tee)
    await expect(obtainKeys(context)).rejects.toMatchObject({
      code: 'RELEASE_HARDWARE_REFUSED',
      action: 'stop',
    })
    expect(requests).toEqual([])
  })
})
