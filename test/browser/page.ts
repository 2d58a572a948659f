import { twoOfThree } from './two-of-three.ts'

/** What the test calls in the page. */
Object.assign(globalThis, { twoOfThree })
