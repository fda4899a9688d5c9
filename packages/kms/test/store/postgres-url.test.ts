import * as fc from 'fast-check'
import type { SottoError } from '@sotto/protocol/errors'
import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/store/index.ts'

test.each([
  [
    'postgresql://kms:s%40fe@db.internal/sotto',
    {
      host: 'db.internal',
      port: 5432,
      user: 'kms',
      password: 's@fe',
      database: 'sotto',
      tls: { rejectUnauthorized: false },
    },
  ],
  [
    'postgres://kms@10.0.0.1:6432/sotto?sslmode=verify-full',
    {
      host: '10.0.0.1',
      port: 6432,
      user: 'kms',
      password: undefined,
      database: 'sotto',
      tls: { rejectUnauthorized: true },
    },
  ],
  [
    'postgresql:///sotto?host=/run/postgresql&user=kms',
    {
      host: '/run/postgresql',
      port: 5432,
      user: 'kms',
      password: undefined,
      database: 'sotto',
      tls: undefined,
    },
  ],
  [
    'postgresql://kms:x@%2Frun%2Fpostgresql:5433/sotto',
    { host: '/run/postgresql', port: 5433, user: 'kms', password: 'x', database: 'sotto', tls: undefined },
  ],
  [
    'postgresql://kms:x@[::1]/sotto',
    { host: '::1', port: 5432, user: 'kms', password: 'x', database: 'sotto', tls: undefined },
  ],
  [
    'postgresql://kms:x@db/sotto?sslmode=disable',
    { host: 'db', port: 5432, user: 'kms', password: 'x', database: 'sotto', tls: undefined },
  ],
])('reads %s', (url, expected) => {
  expect(parseDatabaseUrl(url)).toEqual(expected)
})

test('verify-ca asks who signed, not whose certificate it is', () => {
  const { tls } = parseDatabaseUrl('postgresql://kms@db/sotto?sslmode=verify-ca')
  expect(tls).toMatchObject({ rejectUnauthorized: true })
  expect(tls!.checkServerIdentity!('other', {} as never)).toBeUndefined()
})

test.each([
  [undefined],
  [''],
  ['mysql://kms@db/sotto'],
  ['not a url, password=hunter2'],
  ['postgresql://db/sotto?password=hunter2'],
  ['postgresql://kms:hunter2@db/'],
  ['postgresql://kms:hunter2@/sotto'],
  ['postgresql://kms:hunter2@db/sotto/other'],
  ['postgresql://kms:hunter2@db:0/sotto'],
  ['postgresql://kms:hunter2@db/sotto?port=70000'],
  ['postgresql://kms:hunter2@db/sotto?sslmode=prefer'],
  ['postgresql://kms:hunter2@db/sotto?sslmode=allow'],
  ['postgresql://kms:hunter2@db/sotto?sslmode=disable&sslmode=require'],
  ['postgresql://kms:hunter2@db/sotto?options=-c%20x'],
  ['postgresql://kms:hunter2@db/sotto?sslmode=verify-full&sslrootcert=/nowhere/hunter2.pem'],
  ['postgresql://kms:hunter2%zz@db/sotto'],
  [`postgresql://kms:hunter2@db/${'a'.repeat(5000)}`],
])('refuses %s without repeating it', (url) => {
  const error = (() => {
    try {
      return parseDatabaseUrl(url)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toMatchObject({ code: 'KMS_STORE_ACCESS', action: 'fix-input' })
  const { message, expected, found, hint, cause } = error as SottoError
  const cleaned = (cause as Error | undefined)?.message.replace('/nowhere/hunter2.pem', '')
  expect([message, expected, found, hint, cleaned].join(' ')).not.toContain('hunter2')
})

test('whatever the variable holds, it is read or refused', () => {
  const part = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(part, part, part).map(([a, b, c]) => `postgresql://${a}@${b}/${c}`),
      ),
      (url) => {
        try {
          const { port, host, user, database } = parseDatabaseUrl(url)
          expect(port >= 1 && port <= 65_535 && host !== '' && user !== '' && database !== '').toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'KMS_STORE_ACCESS' })
        }
      },
    ),
  )
})
