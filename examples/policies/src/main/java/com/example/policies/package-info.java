/** A flush policy, a cache flusher and a table allocator, as somebody else writes them. */
package com.example.policies;
