/** An Azure OpenAI path in our terms. */
export interface AzureRoute {
  /** `/v1/chat/completions` and the like. */
  path: string
  /** The deployment: what `model` becomes. */
  model: string
}

const DEPLOYMENT =
  /^\/openai\/deployments\/([^/]+)\/(chat\/completions|completions|embeddings|audio\/transcriptions|audio\/translations)$/
const MODEL = /^[\w./:-]{1,128}$/

/**
 * `/openai/deployments/{id}/chat/completions` and its siblings. `api-version` is not looked at: the
 * service speaks one version. Undefined for any other path.
 */
export function parseAzurePath(pathname: string): AzureRoute | undefined {
  const match = DEPLOYMENT.exec(pathname)
  if (match === null) return undefined
  let model: string
  try {
    model = decodeURIComponent(match[1]!)
  } catch {
    return undefined
  }
  return MODEL.test(model) ? { path: `/v1/${match[2]!}`, model } : undefined
}
