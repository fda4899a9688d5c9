import { describe, expect, it } from 'vitest'
import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  encodeManifest,
  imageDigest,
  softwareMeasurement,
  type ManifestEntry,
} from '@sotto/protocol/measurement'

const a: ManifestEntry = { path: 'role.js', mode: 0o644, sha256: '11'.repeat(32) }
const b: ManifestEntry = { path: 'bin/node', mode: 0o755, sha256: '22'.repeat(32) }

describe('the image manifest', () => {
  it('has the pinned canonical bytes', () => {
    expect(fromUtf8(encodeManifest([a, b]))).toBe(
      `sotto-image-manifest-v1\n755 ${'22'.repeat(32)} bin/node\n644 ${'11'.repeat(32)} role.js\n`,
    )
  })

  it('does not depend on the order of the entries', () => {
    expect(imageDigest([a, b])).toBe(imageDigest([b, a]))
  })

  it.each([
    ['path', { ...a, path: 'role2.js' }],
    ['mode', { ...a, mode: 0o755 }],
    ['content', { ...a, sha256: '12' + '11'.repeat(31) }],
  ])('changes its digest with the %s of any file', (_what, changed) => {
    expect(imageDigest([changed, b])).not.toBe(imageDigest([a, b]))
  })

  it.each([
    ['no entries', []],
    ['a repeated path', [a, a]],
    ['a climbing path', [{ ...a, path: 'x/../y' }]],
    ['an absolute path', [{ ...a, path: '/etc/passwd' }]],
    ['a newline in a path', [{ ...a, path: 'a\n644 x' }]],
    ['an upper-case digest', [{ ...a, sha256: 'AA'.repeat(32) }]],
    ['a set-uid mode', [{ ...a, mode: 0o4755 }]],
  ])('refuses %s', (_what, entries) => {
    expect(() => encodeManifest(entries)).toThrow(expect.objectContaining({ code: 'MANIFEST_MALFORMED' }))
  })

  it('is reported by the software TEE as 48 bytes', () => {
    expect(softwareMeasurement('ab'.repeat(32))).toBe('ab'.repeat(32) + '00'.repeat(16))
  })
})
