// Jest transform that uses Node's own type stripping: same erasure as production, no extra dependency.
const { stripTypeScriptTypes } = require('node:module');
const { createHash } = require('node:crypto');
module.exports = {
  process(src) {
    return { code: stripTypeScriptTypes(src, { mode: 'strip' }) };
  },
  getCacheKey(src, file, o) {
    return createHash('sha256')
      .update(src)
      .update('\0')
      .update(file)
      .update('\0')
      .update(process.version)
      .update(o.instrument ? 'i' : '')
      .digest('hex')
      .slice(0, 32);
  },
};
