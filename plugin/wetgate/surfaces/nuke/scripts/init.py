"""Wetgate for Nuke, run at every start, also on render nodes: nothing here needs a window or opens one."""

import wetgate_nuke.settings

wetgate_nuke.settings.apply()
