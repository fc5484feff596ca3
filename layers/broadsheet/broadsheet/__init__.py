"""Broadsheet: keeps a news site in agreement with a bucket of article JSON.

The way of the data, and the module of each step:

    event → keys                   functions/publish/app.py
    keys → what the site must be   article, site_config (parsing), reconcile (the flow)
    → pages, listings, feeds       index (what each listing holds), render (its bytes)
    → buckets, CDN                 store (the one module that calls AWS)

``store``, and ``reconcile`` and ``listings`` through it, do I/O; all else is plain values in and
out.
"""
