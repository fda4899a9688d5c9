export const echo = async (request: Request): Promise<Response> =>
  new Response(await request.text(), {
    status: 201,
    headers: { 'content-type': 'text/plain', 'x-inner': 'secret' },
  })
