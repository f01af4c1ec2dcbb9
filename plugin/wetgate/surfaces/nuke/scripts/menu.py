"""Wetgate for Nuke, run when there is a window: the toolbar and the menu, from the generated list of nodes."""

import wetgate_nuke.menus

wetgate_nuke.menus.build()
