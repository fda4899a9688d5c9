import { describe, expect, it } from 'vitest'
import { integer, literal, object, variants } from '@sotto/protocol/jcs'

interface Circle {
  kind: 'circle'
  radius: number
}
interface Square {
  kind: 'square'
  side: number
}

const decode = variants<Circle | Square>('kind', {
  circle: object<Circle>({ kind: literal('circle'), radius: integer(1) }),
  square: object<Square>({ kind: literal('square'), side: integer(1) }),
})

describe('one of several kinds', () => {
  it('is read as the kind that it says', () => {
    expect(decode({ kind: 'circle', radius: 2 }, 'shape')).toEqual({ kind: 'circle', radius: 2 })
    expect(() => decode({ kind: 'circle', side: 2 }, 'shape')).toThrowError(/shape\.side/)
  })

  it.each([
    null,
    undefined,
    7,
    'circle',
    [],
    {},
    { kind: ['circle'] },
    { kind: 'constructor' },
    { kind: '' },
  ])('is refused by the name of the member where it is %j', (value) => {
    expect(() => decode(value, 'shape')).toThrowError(
      expect.objectContaining({ code: 'JCS_FIELD', message: 'shape.kind must be circle, square' }),
    )
  })
})
