import type { Argument, SqlParameter } from '@sotto/protocol/contract'
import type { ColumnType } from './column-type.ts'
import { refuse, roomSqlError } from './errors.ts'
import { fold } from './scope.ts'
import type { Scalar } from './syntax.ts'

/** Values of parameters by their names in lower case. */
export type ParameterValues = ReadonlyMap<string, { readonly type: ColumnType; readonly value: Scalar }>

/** Types of parameters by their names in lower case, as templates use them. @throws `ROOM_SQL_REFUSED` (`known-parameter`) */
export function parameterTypes(parameters: readonly SqlParameter[]): ReadonlyMap<string, ColumnType> {
  const types = new Map(parameters.map(({ name, type }) => [fold(name), type]))
  if (types.size < parameters.length) throw refuse('known-parameter', 'a parameter that is declared twice')
  return types
}

/**
 * The values of a run, which `verifyOffer` has compared with what the template takes. What they are is bound to the query
 * as values of these types.
 * @throws `ROOM_SQL_ARGUMENT`
 */
export function parameterValues(
  parameters: readonly SqlParameter[],
  given: readonly Argument[],
): ParameterValues {
  const values = new Map<string, { type: ColumnType; value: Scalar }>()
  for (const { name, type } of parameters) {
    const found = given.filter((one) => fold(one.name) === fold(name))
    if (found.length !== 1) throw wrong(name, 'one value')
    values.set(fold(name), { type, value: valueOf(name, type, found[0]!.value) })
  }
  if (given.length !== parameters.length) throw wrong('another name', 'a parameter of the template')
  return values
}

function valueOf(name: string, type: SqlParameter['type'], said: string): Scalar {
  switch (type) {
    case 'boolean':
      if (said !== 'true' && said !== 'false') throw wrong(name, 'true or false')
      return said === 'true'
    case 'integer': {
      const value = Number(said)
      if (!/^-?[0-9]{1,16}$/.test(said) || !Number.isSafeInteger(value)) throw wrong(name, 'a whole number')
      return value
    }
    case 'number': {
      const value = Number(said)
      if (!/^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$/.test(said) || !Number.isFinite(value))
        throw wrong(name, 'a number')
      return value
    }
    case 'date':
      if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(said)) throw wrong(name, 'a date as YYYY-MM-DD')
      return said
    case 'text':
      return said
  }
}

/** The value is not said: what somebody asks for may be confidential. */
function wrong(name: string, expected: string): Error {
  return roomSqlError('ROOM_SQL_ARGUMENT', `the value of ${name} is not what it takes`, { expected })
}
