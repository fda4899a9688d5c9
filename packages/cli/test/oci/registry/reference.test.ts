import { describe, expect, it } from 'vitest'
import { formatReference, parseReference } from '../../../src/oci/index.ts'

const digest = `sha256:${'ab'.repeat(32)}` as const

describe('a reference', () => {
  it.each([
    ['debian', { registry: 'registry-1.docker.io', repository: 'library/debian' }],
    [
      'docker.io/library/debian:12',
      { registry: 'registry-1.docker.io', repository: 'library/debian', tag: '12' },
    ],
    [`team/app@${digest}`, { registry: 'registry-1.docker.io', repository: 'team/app', digest }],
    [`ghcr.io/a/b_c/d-e:v1@${digest}`, { registry: 'ghcr.io', repository: 'a/b_c/d-e', tag: 'v1', digest }],
    ['localhost/a', { registry: 'localhost', repository: 'a' }],
    ['localhost:5000/a:1', { registry: 'localhost:5000', repository: 'a', tag: '1' }],
    ['[::1]:5000/a', { registry: '[::1]:5000', repository: 'a' }],
  ])('%s is read', (text, expected) => {
    expect(parseReference(text)).toEqual(expected)
  })

  it('by its digest is written as it is read', () => {
    for (const text of [`ghcr.io/a/b@${digest}`, `docker.io/library/debian@${digest}`])
      expect(formatReference(parseReference(text), digest)).toBe(text)
  })

  it.each([
    '',
    'UPPER/case',
    'a/../b',
    'a//b',
    'ghcr.io/',
    'ghcr.io/a:',
    'ghcr.io/a@sha256:12',
    `ghcr.io/a@${digest.toUpperCase()}`,
    `ghcr.io/a@${digest}@${digest}`,
    'https://ghcr.io/a',
    'user@ghcr.io/a',
    'ghcr.io/a?x=1',
    'ghcr.io/a#b',
    'ghcr.io:99999999/a',
    `ghcr.io/${'a'.repeat(300)}`,
  ])('%s is refused', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'IMAGE_REFERENCE' }))
  })
})
