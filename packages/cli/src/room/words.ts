import { cliError } from '../errors.ts'

const MAX_CHARACTERS = 256
const LINE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u

/** One line for the others, as every member's program takes it. @throws `CLI_USAGE` */
export function requireLine(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || (text.length <= MAX_CHARACTERS && LINE.test(text))) return text
  throw cliError('CLI_USAGE', `${flag} is one line for people`, {
    expected: `1 to ${MAX_CHARACTERS} characters, none of control`,
    found: `${text.length} characters`,
  })
}
