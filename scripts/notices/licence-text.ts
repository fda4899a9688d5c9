/** Takes licence files apart: who holds the copyright, and the terms, so that equal terms are printed once. */

export interface LicenceText {
  copyrights: string[]
  terms: string
}

const CLAIM = /^\W*(Copyright (?!\[|and related).*)$/
const TITLE = /^\W*(the )?(mit|isc) licen[cs]e\W*(\((mit|isc)\))?\W*$/i
const TERMS_BEGIN = /^\W*(permission|redistribution|licensed under|all rights reserved)/i

/** Splits a licence file. A claim ends at an empty line or where the terms begin. */
export function splitLicence(text: string): LicenceText {
  const copyrights: string[] = []
  const rest: string[] = []
  let isInClaim = false
  for (const line of text.replaceAll('\r', '').split('\n')) {
    const claim = CLAIM.exec(line)?.[1]
    if (claim !== undefined) {
      copyrights.push(claim.trim())
      isInClaim = true
    } else if (isInClaim && line.trim() !== '' && !TERMS_BEGIN.test(line) && !/^\W+$/.test(line)) {
      copyrights.push(`${copyrights.pop()} ${line.trim()}`)
    } else {
      isInClaim = false
      if (!TITLE.test(line) && !/^\W*all rights reserved\W*$/i.test(line)) rest.push(line.trimEnd())
    }
  }
  return {
    copyrights,
    terms: rest
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim(),
  }
}

/** Equal for terms that differ in line breaks, quotes and punctuation only. */
export function termsKey(terms: string): string {
  return terms
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim()
}
