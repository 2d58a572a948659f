import { equal, match } from 'node:assert/strict'
import { objectTags, tags } from '../../../protocols/crypto/tags.ts'

/** Pairs in which one tag is the beginning of another, or the same. */
function collisions(values: readonly string[]): [string, string][] {
  return values.flatMap((a, i) =>
    values.flatMap((b, j): [string, string][] => (i !== j && b.startsWith(a) ? [[a, b]] : [])),
  )
}

describe('tags', () => {
  it('of the random oracle are unique and none is the beginning of another', () => {
    equal(collisions(Object.values(tags)).length, 0)
  })

  it('of objects are unique, and apart from those of the oracle', () => {
    const objects: string[] = Object.values(objectTags)
    equal(new Set(objects).size, objects.length)
    const both = collisions([...Object.values(tags), ...objects])
    equal(both.filter(([a, b]) => !objects.includes(a) || !objects.includes(b)).length, 0)
  })

  it('of the random oracle have the form of the specification', () => {
    for (const tag of Object.values(tags)) match(tag, /^holdfast dkls v1 [a-z]+(-[a-z]+)?\/$/)
  })

  it('would be caught if one were the beginning of another', () => {
    equal(collisions(['a/', 'a/b']).length, 1)
    equal(collisions(['a/', 'a/']).length, 2)
  })
})
