import { connect, checkTrust, type Sotto, VerificationRefused } from './index.ts'
import { refusingSteps, type TrustPolicy } from '@sotto/verifier'

/** Ask a model something nobody else may read. */
export async function askInPrivate(policy: TrustPolicy): Promise<string> {
  //#region connect_basicUsage
  const sotto = await connect('https://relay.example', { policy }) // throws unless every required step passed
  const response = await sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] }),
  })
  const text = await response.text() // throws RESPONSE_TRUNCATED when the answer was cut
  const receipt = await sotto.receiptOf(response) // keep it: it can be verified offline, years later
  //#endregion connect_basicUsage
  localStorage.setItem('receipt', JSON.stringify(receipt))
  return text
}

/** Any OpenAI-compatible SDK works when it takes a base URL and a fetch. */
export function openaiOptions(sotto: Sotto): { baseURL: string; fetch: typeof fetch; apiKey: string } {
  //#region connect_openai
  // new OpenAI({ ... })
  return { baseURL: sotto.baseURL, fetch: sotto.fetch, apiKey: 'not sent anywhere' }
  //#endregion connect_openai
}

/** Show a person why a service was refused. */
export async function explainRefusal(policy: TrustPolicy): Promise<string[]> {
  //#region connect_refused
  try {
    await connect('https://relay.example', { policy })
    return []
  } catch (error) {
    if (!(error instanceof VerificationRefused)) throw error
    return refusingSteps(error.verdict.steps).map((step) => `${step.title}: ${step.reason}`)
  }
  //#endregion connect_refused
}

/** Look without connecting. */
export async function isAccepted(policy: TrustPolicy): Promise<boolean> {
  //#region checkTrust_basicUsage
  const verdict = await checkTrust('https://relay.example', { policy })
  return verdict.ok && !verdict.software
  //#endregion checkTrust_basicUsage
}
