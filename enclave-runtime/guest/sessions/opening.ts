/** The first item of an opening, a short text that says which protocol it opens; empty when there is none. */
export function openingName(body: Uint8Array): string {
  const [array = 0, head = 0] = body
  if (array >> 5 !== 4 || head >> 5 !== 3 || (head & 31) > 23) return ''
  return Buffer.from(body.subarray(2, 2 + (head & 31))).toString('latin1')
}
