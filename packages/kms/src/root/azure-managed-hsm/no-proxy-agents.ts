/**
 * What a bundle has in the place of `http-proxy-agent` and `https-proxy-agent`, see `scripts/build.ts`. The SDK makes
 * one where the environment names a proxy, and gives it to a transport; ours takes none.
 */
export function HttpProxyAgent(): void {
  // Nothing ever asks it for a connection.
}

/** As {@link HttpProxyAgent}. */
export const HttpsProxyAgent = HttpProxyAgent
