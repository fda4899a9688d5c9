import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { licenceFile, partPackages, type ShippedPackage } from '../scripts/notices/inventory.ts'
import { splitLicence, termsKey } from '../scripts/notices/licence-text.ts'
import { problemsOf } from '../scripts/notices/policy.ts'
import { renderNotices } from '../scripts/notices/render.ts'

const shipped = (name: string, licence: string, rest: Partial<ShippedPackage> = {}): ShippedPackage => ({
  name,
  version: '1.0.0',
  licence,
  folder: `node_modules/${name}`,
  places: new Set(['inference']),
  isCompiled: false,
  ...rest,
})
const about = (name: string, packages: ShippedPackage[]): string[] =>
  problemsOf(packages).filter((problem) => problem.startsWith(`${name} `))

describe('licence files', () => {
  it('are taken apart into claims and terms', () => {
    const file =
      'The MIT License (MIT)\r\n\r\nCopyright (c) 2011:\r\nA B\r\n\r\nPermission is granted,\r\nfree.\r\n'
    expect(splitLicence(file)).toEqual({
      copyrights: ['Copyright (c) 2011: A B'],
      terms: 'Permission is granted,\nfree.',
    })
    expect(splitLicence('Copyright A. All rights reserved.\nPermission is granted').terms).toBe(
      'Permission is granted',
    )
  })

  it('keep what only speaks of copyright', () => {
    const terms = 'copyright notice that is included\nCopyright [yyyy] [name]\n2. Grant of Copyright License.'
    expect(splitLicence(terms)).toEqual({ copyrights: [], terms })
  })

  it('are the same terms in other lines and quotes', () => {
    expect(termsKey('the "Software",\n to deal')).toBe(termsKey('The `Software`, to deal'))
    expect(termsKey('to deal')).not.toBe(termsKey('not to deal'))
  })
})

describe('what may be shipped', () => {
  it('is permissive, or decided by name', () => {
    expect(about('a', [shipped('a', 'MIT')])).toEqual([])
    expect(about('codec-parser', [shipped('codec-parser', 'LGPL-3.0-or-later')])).toEqual([
      expect.stringContaining('LGPL-3.0-or-later is not permissive'),
    ])
    expect(about('a', [shipped('a', 'unstated')])).toHaveLength(1)
  })

  it('has its compiled code described, for the version that is shipped', () => {
    expect(about('a', [shipped('a', 'MIT', { isCompiled: true })])).toEqual([
      expect.stringContaining('compiled code'),
    ])
    const decoder = { isCompiled: true, version: '0.7.12' }
    expect(about('opus-decoder', [shipped('opus-decoder', 'MIT', decoder)])).toEqual([])
    expect(about('opus-decoder', [shipped('opus-decoder', 'MIT', { ...decoder, version: '0.8.0' })])).toEqual(
      [expect.stringContaining('describes 0.7.12')],
    )
  })
})

describe('packages of an optional part', () => {
  it('are those of its lock file for this processor, whether they are installed or not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-part-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const addon = { version: '2.0.0', license: 'MIT', os: ['linux'], cpu: [process.arch], libc: ['glibc'] }
    const packages = {
      '': { version: '9.9.9' },
      'node_modules/@a/api': { version: '1.0.0', license: 'MIT' },
      [`node_modules/@a/linux-${process.arch}`]: addon,
      [`node_modules/@a/linux-${process.arch}-musl`]: { ...addon, libc: ['musl'] },
      'node_modules/@a/darwin': { ...addon, os: ['darwin'] },
      'node_modules/@a/linux-other': { ...addon, cpu: ['other'] },
    }
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }))
    expect(partPackages(folder)).toEqual([
      shipped('@a/api', 'MIT', {
        folder: 'parts/rooms/node_modules/@a/api',
        places: new Set(['queries']),
      }),
      shipped('@a/linux-*', 'MIT', {
        version: '2.0.0',
        folder: `parts/rooms/node_modules/@a/linux-${process.arch}`,
        places: new Set(['queries']),
        isCompiled: true,
      }),
    ])
  })

  it('have their licences from what is written down, never from a file that not every checkout has', () => {
    const root = mkdtempSync(join(tmpdir(), 'sotto-licences-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    for (const folder of ['node_modules/a', 'parts/rooms/node_modules/a']) {
      mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, folder, 'LICENSE'), 'Permission')
    }
    expect(licenceFile(root, 'node_modules/a')).toBe('Permission')
    expect(licenceFile(root, 'parts/rooms/node_modules/a')).toBeUndefined()
  })
})

describe('the notices', () => {
  const sources = {
    licenceFile: (folder: string) => `Copyright (c) ${folder}\n\nPermission is granted`,
    text: (name: string) => `text of ${name}`,
  }

  it('print equal terms once, with every claim', () => {
    const page = renderNotices([shipped('a', 'MIT'), shipped('b', 'MIT')], sources)
    expect(page.split('Permission is granted')).toHaveLength(2)
    expect(page).toContain('- a: Copyright (c) node_modules/a\n- b: Copyright (c) node_modules/b')
  })

  it('say first what is not permissive, and print its text', () => {
    const page = renderNotices([shipped('mpg123-decoder', 'MIT')], sources)
    expect(page).toMatch(/## Not permissive\n\n- \*\*libmpg123\*\* \(LGPL-2\.1-only\)/)
    expect(page).toContain('text of LGPL-2.1-only')
  })

  it('need a holder for a package without a licence file', () => {
    const without = { ...sources, licenceFile: () => undefined }
    expect(() => renderNotices([shipped('a', 'MIT')], without)).toThrow('copyright holder')
  })
})
